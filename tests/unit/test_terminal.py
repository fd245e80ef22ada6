"""The terminal of somebody who chats."""

import os
import pty
import subprocess
import sys

from tools.stack.stack import ROOT

# Reads two lines; after the first, and while the second is typed, a line of the chat comes in.
TALK = """
import threading
from tools.demo import terminal
print("ready", flush=True)
terminal.typed()
terminal.show("one's own line")
threading.Timer(0.2, lambda: print("typing", terminal.show("another's line"), flush=True)).start()
terminal.typed()
"""


def test_the_prompt_is_shown_once_for_each_line() -> None:
    control, terminal = pty.openpty()
    command = [sys.executable, "-c", TALK]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/src", "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment) as process:
        os.close(terminal)
        shown = ""
        for awaited, line in (("> ", b"first\n"), ("typing", b"second\n")):
            while awaited not in shown:
                shown += os.read(control, 1024).decode()
            os.write(control, line)
        assert process.wait(timeout=20) == 0

    assert "> > " not in shown
    # Two lines are typed; the line that comes in while the second is typed shows its prompt again.
    assert shown.count("> ") == 3
