"""Passes connections on, byte by byte: how containers reach a stack that listens on this machine's 127.0.0.1 only.

It runs inside of containers, from its text (see ``container_network``), so it uses nothing but the standard library. An
address is ``tcp:HOST:PORT`` or ``unix:PATH``.
"""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

READY = "ready"
_CHUNK = 65536
_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 10

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def main() -> None:
    """Listen at the first address, and pass what comes on to the second."""
    asyncio.run(relay(*sys.argv[1:3]))


async def relay(listen: str, target: str) -> None:
    """Wait until the target can be reached, say so, and pass connections on until the process ends."""
    connect = _connecting(target)
    await asyncio.wait_for(_reached(connect), _PATIENCE_SECONDS)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await connect()
        except OSError:
            writer.close()  # the stack is down
            return
        try:
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            for each in (back, writer):
                each.close()

    server = await _listening(listen, pass_on)
    print(READY, flush=True)
    async with server:
        await server.serve_forever()


def _connecting(address: str) -> Callable[[], Awaitable[Connection]]:
    kind, _, where = address.partition(":")
    if kind == "unix":
        return lambda: asyncio.open_unix_connection(where)
    host, _, port = where.rpartition(":")
    return lambda: asyncio.open_connection(host, int(port))


async def _listening(
    address: str, pass_on: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> asyncio.Server:
    kind, _, where = address.partition(":")
    if kind == "unix":
        return await asyncio.start_unix_server(pass_on, where)
    host, _, port = where.rpartition(":")
    return await asyncio.start_server(pass_on, host, int(port))


async def _reached(connect: Callable[[], Awaitable[Connection]]) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await connect()
            writer.close()
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the sender has no more to say, and say so; the other direction goes on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    # Also where the sender was cut off: the other side would wait for it.
    with contextlib.suppress(OSError):
        writer.write_eof()


if __name__ == "__main__":
    main()
