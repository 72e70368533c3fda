"""Waiting for what a test expects to happen. Deadlines are generous: they end a hang, they do not measure speed."""

import time

DEADLINE = 60.0


class Timeout(AssertionError):
    pass


def until(condition, what="the condition", deadline=DEADLINE, every=0.01):
    """Returns the first true value of `condition()`; fails after `deadline` seconds and says what was waited for."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            text = what() if callable(what) else what
            raise Timeout(f"still waiting after {deadline:.0f} s for {text}")
        time.sleep(every)
