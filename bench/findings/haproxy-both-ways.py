#!/usr/bin/env python3
"""Ten times two connections, 500 kB each way; each end reads when it has sent everything: nothing but Python 3.
usage: haproxy-both-ways.py HAPROXY_PORT SERVER_PORT   (HAProxy listens on the one, connects to the other)
Send buffers are to be small (net.ipv4.tcp_wmem='4096 16384 32768').
prints for each connection and direction: bytes sent, bytes that came, direction, how the stream ended"""
import socket, sys, threading

AMOUNT = 500_000
haproxy, port = int(sys.argv[1]), int(sys.argv[2])

def roomy():  # an end that does not read yet takes all that is sent to it
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return one
listen = roomy()
listen.bind(('127.0.0.1', port))
listen.listen()

def play(connection, direction):
    got, how = 0, 'in good order'
    try:
        connection.sendall(bytes(AMOUNT))
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536): got += len(piece)
    except OSError as error: how = str(error)
    sys.stdout.write(f'{AMOUNT} {got} {direction} {how}\n')  # in one piece, unlike print

for _ in range(10):
    pairs = []
    for _ in range(2):
        client = roomy()
        client.connect(('127.0.0.1', haproxy))
        pairs.append((client, listen.accept()[0]))
    ends = [threading.Thread(target=play, args=(server, 'upload')) for _, server in pairs]
    ends += [threading.Thread(target=play, args=(client, 'download')) for client, _ in pairs]
    for one in ends: one.start()
    for one in ends: one.join()
    for one in sum(pairs, ()): one.close()
