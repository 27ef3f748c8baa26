#!/usr/bin/env python3
"""HAProxy loses the end of a stream: one connection, default socket buffers, nothing but Python 3.
usage: haproxy-end-of-stream.py HAPROXY_PORT SERVER_PORT [http] [control]
HAProxy listens on the one port and connects to the other; with `http` in HTTP mode, the connection upgraded first.
With `control` another program is in its place, which may stop reading without ever holding bytes.
prints: bytes sent by the client, bytes that came, how the server's stream ended"""
import socket, struct, sys, time

haproxy, port = int(sys.argv[1]), int(sys.argv[2])
listen = socket.create_server(('127.0.0.1', port))
client = socket.create_connection(('127.0.0.1', haproxy))
if 'http' in sys.argv: client.send(b'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
server = listen.accept()[0]
if 'http' in sys.argv:
    server.recv(65536)
    server.send(b'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
    client.recv(65536)
ours, theirs = client.getsockname()[1], server.getpeername()[1]

diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)  # sock_diag(7): what ss(8) asks
def queue(local, peer):  # bytes of a socket: not read, not acknowledged
    ends = struct.pack('>HH', local, peer) + 2 * (socket.inet_aton('127.0.0.1') + bytes(12))
    head = struct.pack('=IHHII4BI', 72, 20, 1, 0, 0, socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xffffffff)
    diag.send(head + ends + struct.pack('=III', 0, 0xffffffff, 0xffffffff))
    return struct.unpack_from('=II', diag.recv(4096), 72)
def look():  # bytes of the client's that HAProxy has not read, and those that are in HAProxy itself
    unread = queue(haproxy, ours)[0]
    return unread, sent - unread - queue(theirs, port)[1] - queue(port, theirs)[0]
def holds(): return all(unread == 0 and held > 0 for unread, held in (look() for _ in range(10) if time.sleep(0.05) is None))

server.setblocking(False)
last = time.monotonic()
while time.monotonic() < last + 0.3:  # 1. fill the way to the client, which does not read
    try: server.send(bytes(65536)); last = time.monotonic()
    except BlockingIOError: time.sleep(0.01)
sent = 0
while not (sent and look()[1] > 0 and holds()):  # 2. fill the way to the server
    sent += client.send(bytes(4096))
    patience = time.monotonic() + 3
    while look()[0] and time.monotonic() < patience: time.sleep(0.001)
    if time.monotonic() >= patience and 'control' in sys.argv: break
    if time.monotonic() >= patience: sys.exit('HAProxy stopped reading before it was seen to hold bytes: try again')
sent += client.send(bytes(49152), socket.MSG_MORE)
client.shutdown(socket.SHUT_WR)  # 3. data and FIN at once
time.sleep(1)  # on a busy machine, too, HAProxy has seen it then
client.settimeout(1)
try:
    while client.recv(65536): pass  # 4. the client reads, which lets HAProxy write
except (TimeoutError, ConnectionError): pass
got, how = 0, 'in good order'
server.setblocking(True)
try:
    while piece := server.recv(65536): got += len(piece)  # 5. the server reads to the end
except ConnectionError as error: how = str(error)
print(sent, got, how)
