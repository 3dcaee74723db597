"""A small RESP2 client: control, loading and probing; never the load of a throughput figure."""
import socket
import time

HOST = "127.0.0.1"


class ReplyError(Exception):
    """The server answered with an error."""


def encode(*words):
    """One request."""
    out = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        out.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(out)


class Connection:
    """A blocking connection to a server on the loopback."""

    def __init__(self, port, timeout_s=120.0):
        self.socket = socket.create_connection((HOST, port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = b""

    def close(self):
        """Closes the connection."""
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __call__(self, *words):
        self.socket.sendall(encode(*words))
        return self._reply()

    def _more(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._input += data

    def _line(self):
        while (end := self._input.find(b"\r\n")) < 0:
            self._more()
        line, self._input = self._input[:end], self._input[end + 2:]
        return line

    def _reply(self):
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise ReplyError(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        length = int(rest)
        if length < 0:
            return None
        if kind == b"*":
            return [self._reply() for _ in range(length)]
        while len(self._input) < length + 2:
            self._more()
        value, self._input = self._input[:length], self._input[length + 2:]
        return value

    def info(self, section):
        """The fields of one section of INFO."""
        lines = self("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line and line[0] != "#")

    def exchange(self, request, replies):
        """Sends encoded requests whose replies are one line each and waits for all of them."""
        self.socket.sendall(request)
        seen, error = 0, None
        while seen < replies:
            data = self.socket.recv(1 << 18)
            if not data:
                raise ConnectionError("the server closed the connection")
            seen += data.count(b"\n")
            if data[:1] == b"-" or b"\n-" in data:
                error = data[data.find(b"-"):][:120]
        if error:
            raise ReplyError(error.decode(errors="replace"))

    def send_all(self, commands):
        """Sends commands in one go and returns their replies."""
        self.socket.sendall(b"".join(encode(*words) for words in commands))
        return [self._reply() for _ in commands]

    def load(self, batches):
        """Sends (requests, number) batches one after the other."""
        for request, number in batches:
            self.exchange(request, number)


def wait_until(condition, deadline_s, what):
    """Asks every 5 ms until `condition` holds; an error after `deadline_s`."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {deadline_s} s for {what}")
        time.sleep(0.005)
