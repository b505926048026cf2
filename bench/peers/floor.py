"""Fixed bytes with epoll, recv and send alone: what any server in Python pays first."""

import select
import socket

from bench.given import PORT

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\n"
    b"Content-Length: 13\r\n\r\nHello, World!"
)


def main():
    listener = socket.create_server(("127.0.0.1", PORT), backlog=1024)
    clients = {}
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            client = clients.get(number)
            if client is None:
                client, _ = listener.accept()
                client.setblocking(False)
                clients[client.fileno()] = client
                poll.register(client, select.EPOLLIN)
                continue
            try:
                request = client.recv(65536)
            except ConnectionResetError:
                request = b""
            if request:
                client.send(ANSWER)
            else:
                del clients[number]
                client.close()


if __name__ == "__main__":
    main()
