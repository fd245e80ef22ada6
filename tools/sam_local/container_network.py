"""The way from containers to a stack that listens on this machine's 127.0.0.1 only, and what is on it in Docker."""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import docker
from docker.errors import DockerException, ImageNotFound

from tools.console import Problem, step
from tools.sam_local import relay
from tools.sam_local.build import RUNTIME

_PROCESSORS = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_STATE_LABEL, _PORT_LABEL = "storefront.state", "storefront.port"
_NAME, _PORT = "stack.storefront", 4566
_SOCKET = "unix:/relay/stack"
_RELAYS = 2


@dataclass(frozen=True)
class ContainerNetwork:
    """A Docker network whose containers reach the stack of one state directory.

    Where Docker runs in a machine of its own (Docker Desktop), `host.docker.internal` is the way. On Linux nothing
    listens there: one container has this machine's network and makes a Unix socket on a volume, another one has the
    socket and listens in a network that only containers are in.
    """

    engine: docker.DockerClient
    state: Path

    @classmethod
    def of(cls, state: Path) -> Self:
        """Return the network of a stack, with the engine that the SAM CLI uses; a ``Problem`` if none answers."""
        try:
            engine = docker.from_env()
            engine.ping()
        except DockerException:
            raise Problem("no Docker engine answers: install or start Docker; only sam local needs it") from None
        return cls(engine, state.resolve())

    @property
    def name(self) -> str:
        """The network's name; each state directory has another."""
        return f"storefront-{hashlib.sha256(str(self.state).encode()).hexdigest()[:12]}"

    @property
    def processor(self) -> str:
        """The architecture of functions that the engine runs without emulation."""
        return _PROCESSORS[self.engine.info()["Architecture"]]

    def authority(self, port: int) -> str:
        """Return where containers find the stack that is on a port of this machine."""
        return f"{_NAME}:{_PORT}" if self._needs_relays else f"host.docker.internal:{port}"

    def open(self, port: int) -> None:
        """Make the network, and the way from it to the stack; what is there already stays.

        A ``Problem`` says if the image cannot be had, or the containers do not start.
        """
        try:
            self._ensure_image()
            if not self.engine.networks.list(names=[self.name]):
                self.engine.networks.create(self.name, labels=self._labels)
            if self._needs_relays and len(self._relays({_PORT_LABEL: str(port)})) < _RELAYS:
                self._remove_relays()
                self._start_relays(port)
        except DockerException as error:
            raise Problem(f"Docker does not open a way from containers to the stack: {error}") from None

    def close(self) -> None:
        """Remove the network and all that is in it, also containers that a ``sam local`` has left behind."""
        for container in self.containers():
            container.remove(force=True)
        self._remove_relays()
        for network in self.engine.networks.list(names=[self.name]):
            network.remove()

    def containers(self) -> list[Any]:
        """Return what runs in the network: functions, and the way to the stack."""
        networks = self.engine.networks.list(names=[self.name], greedy=True)
        return [container for network in networks for container in network.containers]

    @property
    def _needs_relays(self) -> bool:
        return sys.platform == "linux" and str(self.engine.info()["OperatingSystem"]) != "Docker Desktop"

    @property
    def _labels(self) -> dict[str, str]:
        return {_STATE_LABEL: str(self.state)}

    @property
    def _image(self) -> str:
        return f"public.ecr.aws/lambda/python:{RUNTIME}-{self.processor}"

    def _ensure_image(self) -> None:
        try:
            self.engine.images.get(self._image)
        except ImageNotFound:
            with step(f"pull {self._image}"):
                self.engine.images.pull(self._image)

    def _relays(self, labels: dict[str, str], *, ended: bool = False) -> list[Any]:
        wanted = [f"{name}={value}" for name, value in {**self._labels, **labels}.items()]
        found: list[Any] = self.engine.containers.list(all=ended, filters={"label": wanted})
        return found

    def _remove_relays(self) -> None:
        for container in self._relays({}, ended=True):
            container.remove(force=True)
        for volume in self.engine.volumes.list(filters={"name": self.name}):
            volume.remove()

    def _start_relays(self, port: int) -> None:
        if any("rootless" in option for option in self.engine.info().get("SecurityOptions") or ()):
            raise Problem("rootless Docker gives no container this machine's network: choose another docker context")
        with step("open a way from containers to the stack"):
            self.engine.volumes.create(self.name, labels=self._labels)
            self._start(port, _SOCKET, f"tcp:127.0.0.1:{port}", network_mode="host")
            alias = {self.name: self.engine.api.create_endpoint_config(aliases=[_NAME])}
            self._start(port, f"tcp:0.0.0.0:{_PORT}", _SOCKET, network=self.name, networking_config=alias)

    def _start(self, port: int, listen: str, target: str, **network: Any) -> None:
        """Start a container that relays, and wait until it says that it does."""
        container = self.engine.containers.run(
            self._image,
            ["-c", Path(relay.__file__).read_text(), listen, target],
            entrypoint=f"/var/lang/bin/python{RUNTIME}",
            detach=True,
            init=True,
            labels={**self._labels, _PORT_LABEL: str(port)},
            volumes={self.name: {"bind": "/relay"}},
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges", "label=disable"],
            **network,
        )
        for line in container.logs(stream=True, follow=True):
            if line.decode().strip() == relay.READY:
                return
        last = container.logs().decode().strip().rpartition("\n")[2] or "no output"
        raise Problem(f"the way from containers to the stack does not open: {last}")
