"""The way from containers to the stack: what goes in at one end comes out at the other."""

import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.sam_local import relay
from tools.stack.emulator import HOST, free_port


@contextmanager
def relaying(listen: str, target: str) -> Iterator[None]:
    """Run the relay as containers do: from its text."""
    command = [sys.executable, "-c", Path(relay.__file__).read_text(), listen, target]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline().strip() == relay.READY
            yield
        finally:
            process.kill()


@pytest.fixture
def shouting() -> Iterator[int]:
    """A server that answers in capitals when its client has said everything."""
    with socket.create_server((HOST, 0)) as server:

        def answer(connection: socket.socket) -> None:
            with connection:
                said = b"".join(iter(lambda: connection.recv(4096), b""))
                connection.sendall(said.upper())

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=[connection]).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def say(port: int, text: bytes) -> bytes:
    with socket.create_connection((HOST, port), timeout=10) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_what_is_said_at_one_end_is_answered_from_the_other(shouting: int, tmp_path: Path) -> None:
    port, link = free_port(), f"unix:{tmp_path / 'stack'}"
    with relaying(link, f"tcp:{HOST}:{shouting}"), relaying(f"tcp:{HOST}:{port}", link):
        answers = [say(port, text) for text in (b"hello", b"a" * 1_000_000, b"")]

    assert answers == [b"HELLO", b"A" * 1_000_000, b""]


def test_one_connection_does_not_wait_for_another(shouting: int) -> None:
    port = free_port()
    with (
        relaying(f"tcp:{HOST}:{port}", f"tcp:{HOST}:{shouting}"),
        socket.create_connection((HOST, port)),  # says nothing
    ):
        assert say(port, b"hello") == b"HELLO"


def test_a_client_that_is_cut_off_leaves_no_connection_behind() -> None:
    port = free_port()
    with (
        socket.create_server((HOST, 0)) as server,
        relaying(f"tcp:{HOST}:{port}", f"tcp:{HOST}:{server.getsockname()[1]}"),
    ):
        looked, _ = server.accept()  # the relay has looked whether somebody is there
        looked.close()
        client = socket.create_connection((HOST, port))
        connection, _ = server.accept()
        connection.settimeout(10)

        # When it ends as a container does that is killed: without a word
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

        # Then
        assert connection.recv(1) == b""
