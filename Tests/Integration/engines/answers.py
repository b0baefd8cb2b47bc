"""Asks an HTTP server until it answers, and tells how often it did not."""
import socket
import time

PORT = 8080
REQUEST = b'GET / HTTP/1.1\r\nHost: function\r\nConnection: close\r\n\r\n'
# Between two connections that were refused, and until one that is not answered is given up for another.
PAUSE, PATIENCE = 0.0005, 0.020


class Answer:
    """How an answer came: seconds since it was first asked for, connections refused, connections given up."""

    def __init__(self):
        self.began = time.perf_counter()
        self.refused = self.unanswered = 0
        self.seconds = None


def ask(address, limit=20, port=PORT):
    """Connects anew until the server answers with 200. Raises TimeoutError after `limit` seconds."""
    answer = Answer()
    while time.perf_counter() - answer.began < limit:
        try:
            if b' 200 ' in exchange(address, port).split(b'\r\n', 1)[0]:
                answer.seconds = time.perf_counter() - answer.began
                return answer
            raise RuntimeError(f'{address} answers with an error')
        except TimeoutError:
            answer.unanswered += 1
        except OSError:
            answer.refused += 1
            time.sleep(PAUSE)
    raise TimeoutError(f'no answer of {address}: {answer.refused} refused, {answer.unanswered} unanswered')


def exchange(address, port=PORT, patience=PATIENCE, answer_patience=5):
    with socket.socket() as connection:
        connection.settimeout(patience)
        connection.connect((address, port))
        # Who has taken the connection may take its time.
        connection.settimeout(answer_patience)
        connection.sendall(REQUEST)
        return connection.recv(4096)
