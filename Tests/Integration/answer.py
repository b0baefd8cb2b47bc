"""Answers every HTTP request with a line of text.

usage: answer.py ADDRESS PORT TEXT
"""

import http.server
import socket
import socketserver
import sys


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (sys.argv[3] + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET

    # The library's own asks for the address's name, and may wait long for it.
    def server_bind(self):
        socketserver.TCPServer.server_bind(self)


server = Server((sys.argv[1], int(sys.argv[2])), Answer)
print("ready", flush=True)
server.serve_forever()
