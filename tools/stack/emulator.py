"""Starts and ends the AWS emulator: one process per state directory, listening on 127.0.0.1 only."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import requests

from storefront.shared.http import session
from tools.console import Problem
from tools.environments import EMULATOR, ROOT
from tools.stack.samconfig import environment

HOST = "127.0.0.1"
DEFAULT_PORT = 4566
_MAIN = Path(__file__).parent / "inside" / "start.py"
_START_SECONDS = 40
_STOP_SECONDS = 5
# The variables of a person's environment that the emulator's process gets. The functions inherit all of it, so a
# person's AWS settings, Python path, locale and proxies stay out of it.
_PASSED_ON = ("PATH", "TZ", "USER", "SYSTEMROOT")


class Emulator:
    """The emulator of one state directory; its process holds a lock on ``emulator.lock`` from start to end."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.log = state / "emulator.log"
        self._lock_path = state / "emulator.lock"

    @property
    def endpoint(self) -> str:
        """The running emulator's address."""
        return f"http://{HOST}:{self.port}"

    @property
    def port(self) -> int:
        """The running emulator's port."""
        return int(self._process_info["port"])

    @property
    def code_deploy_port(self) -> int:
        """The port where the functions look for CodeDeploy, which the emulator does not have."""
        return int(self._process_info["code_deploy_port"])

    @property
    def credentials(self) -> dict[str, str]:
        """The access key and secret of the account's root, new at each start; the functions run as their own roles."""
        return dict(self._process_info["credentials"])

    @property
    def checkout(self) -> str:
        """The folder of the project that has started the emulator."""
        return str(self._process_info["checkout"])

    def is_running(self) -> bool:
        """Whether the process that this directory's lock belongs to is alive."""
        with suppress(FileNotFoundError), self._lock_path.open("r+") as lock:
            return not _lock(lock)
        return False

    def start(self, port: int, progress: Callable[[str], None]) -> None:
        """Start the process on a port, 0 for any free one, and wait until it answers."""
        port = port or free_port()
        _require_free(port)
        key, secret = f"AKIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30)
        info: dict[str, Any] = {
            "checkout": str(ROOT),
            "port": port,
            "code_deploy_port": free_port(),
            "credentials": {"accessKeyId": key, "secretAccessKey": secret},
        }
        # The root's; the functions' processes have their roles' by these names.
        credentials = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        self._clear()
        self._lock_path.unlink(missing_ok=True)
        self._lock_path.touch(mode=0o600)  # it has credentials
        with self._lock_path.open("w") as lock, self.log.open("wb") as log:
            _lock(lock)
            process = subprocess.Popen(
                [str(EMULATOR.python), "-P", str(_MAIN)],  # -P: modules beside the file are not the emulator's
                env=self._environment(port, info["code_deploy_port"]) | credentials,
                cwd=self.state,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # not ended by a Ctrl-C in the terminal it was started from
                pass_fds=(lock.fileno(),),
            )
            lock.write(json.dumps(info | {"pid": process.pid}))
        try:
            self._wait_until_ready(process, progress)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> bool:
        """End the process and remove what it kept; return whether there was one."""
        running = self.is_running()
        if running:
            pid = self._process_info["pid"]
            os.killpg(pid, signal.SIGTERM)  # the functions' processes are in its group
            if not self._ended_within(_STOP_SECONDS):
                os.killpg(pid, signal.SIGKILL)  # it waits for open WebSockets
                self._ended_within(_STOP_SECONDS)
        for name in ("emulator", "stack.json", "emulator.lock"):
            _remove(self.state / name)
        return running

    @property
    def _process_info(self) -> dict[str, Any]:
        info: dict[str, Any] = json.loads(self._lock_path.read_text())
        return info

    def _environment(self, port: int, code_deploy_port: int) -> dict[str, str]:
        data = self.state / "emulator"
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return passed_on | {
            "AUTH": "true",  # IAM policies are enforced
            "SFN_WAIT_SCALE": "0.02",  # state machines try again within seconds
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": HOST,  # in queue URLs
            "IOT_MTLS_ENABLED": "0",  # no listener for MQTT
            "SFTP_ENABLED": "0",  # no listener for SFTP
            "COGNITO_EMAIL_ENABLED": "false",  # nothing is ever mailed
            "DOCKER_HOST": f"unix://{data}/no-docker",  # no containers
            "TMPDIR": str(data / "tmp"),
            "HOME": str(data),  # no settings and no .netrc of a person
            "PYTHONUTF8": "1",  # whatever the locale
            "STATE_DIR": str(data / "state"),
            "S3_DATA_DIR": str(data / "s3"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "*",
            "PAGE_ORIGINS": environment("local").overrides["ChatAllowedOrigins"],
            # For the release hooks: tools/rehearsal/code_deploy.py answers there for the time of a rollout.
            "AWS_ENDPOINT_URL_CODEDEPLOY": f"http://{HOST}:{code_deploy_port}",
        }

    def _clear(self) -> None:
        _remove(self.state / "emulator")
        _remove(self.state / "stack.json")
        (self.state / "emulator" / "tmp").mkdir(parents=True)

    def _wait_until_ready(self, process: subprocess.Popen[bytes], progress: Callable[[str], None]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            progress(f"waiting for {self.endpoint}")
            if process.poll() is not None:
                raise Problem(f"the emulator ended at its start: {self._last_line()}; details: {self.log}")
            if _answers(self.endpoint):
                return
            time.sleep(0.1)
        raise Problem(f"the emulator did not answer within {_START_SECONDS} s: try again; details: {self.log}")

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no output"

    def _ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_running():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def _lock(file: IO[str]) -> bool:
    """Try to lock a file, until it is closed; return whether that succeeded."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _answers(endpoint: str) -> bool:
    with suppress(requests.RequestException):
        return session().get(f"{endpoint}/_ministack/health", timeout=2).ok
    return False


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            owner = "another local AWS stack" if _answers(f"http://{HOST}:{port}") else "another program"
            raise Problem(
                f"port {port} is in use (by {owner}): choose another one, for example make up PORT={port + 1}"
            )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Problem(f"port {port} cannot be used ({error.strerror}): choose another one with PORT=") from None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
