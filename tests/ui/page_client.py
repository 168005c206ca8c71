"""What the page asks, without a browser, and a session that needs no network."""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "cli"))
import track_fakes

BOX = [10.0, 12.0, 20.0, 16.0]


class Fake(track_fakes.Drifting):
    """Follows without a network; `pause` seconds a frame."""

    pause = 0.0

    def warm_up(self, frame, boxes):
        pass

    def step(self, frame):
        time.sleep(self.pause)
        return super().step(frame)


class Client:
    """What the page asks, without a browser."""

    def __init__(self, server):
        self.server = server
        self.base, _, self.token = server.address.partition("#")

    def ask(self, method, path, body=None, token=None, headers=None, **query):
        """Returns status, headers and content of an answer."""
        text = urllib.parse.urlencode(query)
        address = f"{self.base}{path}{'?' + text if text else ''}"
        sent = {"X-Token": self.token if token is None else token, **(headers or {})}
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(address, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.status, error.headers, error.read()

    def get(self, path, **query):
        status, _, content = self.ask("GET", f"api/{path}", **query)
        assert status == 200, content
        return json.loads(content)

    def post(self, path, **body):
        """Returns the sentence of a refusal, or None."""
        status, _, content = self.ask("POST", f"api/{path}", body)
        return None if status == 200 else json.loads(content)["error"]

    def open_first(self):
        key = self.get("choices")["inputs"][0]["key"]
        assert self.post("open", key=key) is None

    def wait(self, true, seconds=20.0):
        """Returns the first state of which that is true, and all rows until then."""
        end, rows, state = time.monotonic() + seconds, {}, {"version": 0, "rows_version": 0}
        number = (self.get("state")["input"] or {"number": 0})["number"]
        while True:
            asked = {"number": number, "since": state["rows_version"], "version": state["version"]}
            state = self.get("state", **asked, wait=1)
            rows |= {row["frame"]: row for row in state["rows"]}
            if true(state):
                return state, rows
            assert time.monotonic() < end, state

    def track(self, frame=0, preset="compact", **boxes):
        boxes = {name.lstrip("t"): box for name, box in boxes.items()} or {"1": BOX}
        return self.post("track", frame=frame, boxes=boxes, preset=preset)

    def follow(self, frame=0, **boxes):
        """Follows to the end; returns state and rows."""
        assert self.track(frame, **boxes) is None
        return self.wait(lambda state: state["job"] and state["job"]["state"] == "done")
