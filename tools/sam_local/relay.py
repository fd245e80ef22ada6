"""Passes connections on from one address to another (``tcp:HOST:PORT`` or ``unix:PATH``).

It runs in containers, from its text (see ``container_network``), so it uses the standard library alone.
"""

import asyncio
import contextlib
import sys

READY = "ready"
_CHUNK = 65536

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


async def relay(listen: str, target: str) -> None:
    """Listen at one address, and pass on what comes to the other, which has to answer already."""
    _, writer = await _connect(target)
    writer.close()

    async def pass_on(reader: Reader, writer: Writer) -> None:
        try:
            there, back = await _connect(target)
        except OSError:
            writer.close()  # the stack is down
            return
        try:
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            back.close()
            writer.close()

    kind, _, where = listen.partition(":")
    if kind == "unix":
        server = await asyncio.start_unix_server(pass_on, where)
    else:
        server = await asyncio.start_server(pass_on, *where.split(":"))
    print(READY, flush=True)
    await server.serve_forever()


async def _connect(address: str) -> tuple[Reader, Writer]:
    kind, _, where = address.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(where)
    return await asyncio.open_connection(*where.split(":"))


async def _copy(reader: Reader, writer: Writer) -> None:
    """Copy until the sender has no more to say, and say so; the other direction goes on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    # Also where the sender was cut off: the other side would wait for it.
    with contextlib.suppress(OSError):
        writer.write_eof()


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:3]))
