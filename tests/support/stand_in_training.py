"""Sends the messages of `maml_core.training.background.worker`, without torch, slow to import.

Updates take a moment each. A file named on the command line is sent as the weights after the last;
a seed of 13 dies at once, one of 17 of an exception.
"""

import base64
import json
import sys
import threading
import time
from pathlib import Path

UPDATE_SECONDS = 0.005
UNLUCKY, FAULTY = 13, 17


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def main() -> None:
    config = json.loads(sys.stdin.readline())["config"]
    done = int(base64.b64decode(sys.stdin.readline()) or 0)
    words: list[str] = []

    def listen() -> None:
        for word in sys.stdin:
            words.append(word.strip())
        words.append("end")

    threading.Thread(target=listen, daemon=True).start()
    if config["seed"] == UNLUCKY:
        raise SystemExit(7)
    if config["seed"] == FAULTY:
        raise SystemExit("as Python says it: with code 1")
    while done < config["meta_steps"] and not words:
        time.sleep(UPDATE_SECONDS)
        done += 1
        say(kind="progress", step=done, loss=1 / done, gradient_norm=done, seconds=done / 4)
        accuracy = (0.5, 1 - 0.5 / done)
        say(kind="validation", step=done, accuracy=accuracy, ci95=(0.0, 0.1), episodes=20)
    for path in sys.argv[1:]:
        content = base64.b64encode(Path(path).read_bytes()).decode()
        say(kind="weights", step=done, content=content)
    if words == ["pause"]:
        say(kind="paused", content=base64.b64encode(str(done).encode()).decode())
    elif "end" not in words:
        say(kind="finished", step=done)


main()
