"""Clients that ask as fast as they are answered, and what was admitted in any span of time."""
import bisect
import socket
import threading
import time


class Hammer(threading.Thread):
    """One keep-alive connection that sends `request` again and again, `depth` at a time, until `end`.

    Every answer is kept as (sent, received, status): whatever happened to the request happened between
    the two, by the steady clock of this process. A batch that was refused whole is followed by a rest.
    """

    def __init__(self, port, request, end, depth=4, rest=0.02):
        super().__init__(daemon=True)
        self.port, self.request, self.end, self.depth, self.rest = port, request, end, depth, rest
        self.answers, self.error = [], None

    def run(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 30) as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                batch, buffer = self.request * self.depth, b""
                while time.monotonic() < self.end:
                    sent = time.monotonic()
                    sock.sendall(batch)
                    statuses = []
                    while len(statuses) < self.depth:
                        status, buffer = self.read_one(sock, buffer)
                        statuses.append(status)
                        self.answers.append((sent, time.monotonic(), status))
                    if 200 not in statuses:
                        time.sleep(self.rest)
        except Exception as error:  # told to whoever joins
            self.error = error

    @staticmethod
    def read_one(sock, buffer):
        """The next answer's status, and the bytes behind it. Only answers with a length."""
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            buffer += Hammer.more(sock)
        head = buffer[:end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at:head.find(b"\r\n", at) if b"\r\n" in head[at:] else None])
        while len(buffer) < end + 4 + length:
            buffer += Hammer.more(sock)
        return int(head[9:12]), buffer[end + 4 + length:]

    @staticmethod
    def more(sock):
        data = sock.recv(65536)
        if not data:
            raise ConnectionError("the connection ended under load")
        return data


def hammer_in_background(jobs, seconds, **options):
    """Runs (port, request) jobs at once for `seconds`. A function that waits for the end and gives their
    answers, in the order of the jobs."""
    end = time.monotonic() + seconds
    threads = [Hammer(port, request, end, **options) for port, request in jobs]
    for thread in threads:
        thread.start()

    def answers():
        for thread in threads:
            thread.join()
            if thread.error:
                raise thread.error
        return [thread.answers for thread in threads]
    return answers


def hammer(jobs, seconds, **options):
    """The same, at once."""
    return hammer_in_background(jobs, seconds, **options)()


def admitted(answers):
    return [(sent, received) for sent, received, status in answers if status == 200]


def most_in_a_span(events, length):
    """The most events that certainly lie within one span of `length` seconds, whatever their exact time.

    An event lies in the span that begins at `start` for certain if it was sent after `start` and
    answered before its end. No event may take longer than `length`.
    """
    sent = sorted(s for s, _ in events)
    received = sorted(r for _, r in events)
    return max((bisect.bisect_left(received, start + length) - bisect.bisect_left(sent, start) for start in sent),
               default=0)
