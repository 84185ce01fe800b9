"""Let `docker stop` end a program that does not handle SIGTERM, in the way that Ctrl-C does.

Linux does not deliver this signal to the first process of a container, unless it has a handler.
Python imports this module at its start, because of the file _sigterm.pth beside it.
"""

import os

if os.getpid() == 1:
    import signal
    from types import FrameType

    def interrupt(_: int, frame: FrameType | None) -> None:
        """Handle SIGTERM as Ctrl-C, which a terminal sends to all processes of a program."""
        # uvicorn handles the signal, then raises it again. An interrupt would end what follows.
        if not frame or "raise_signal" not in frame.f_code.co_names:
            os.kill(0, signal.SIGINT)

    def restore() -> None:
        """Let SIGTERM end a forked process, unless the program has its own handler."""
        if signal.getsignal(signal.SIGTERM) is interrupt:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    try:
        signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # in a subinterpreter, which cannot handle signals
        pass
    else:
        os.register_at_fork(after_in_child=restore)
