// A WebSocket service with npm ws: echoes, and says in its first message which headers arrived.
// Prints its port. Ends with its standard input.
'use strict';
const http = require('http');
const { WebSocketServer } = require('ws');

const server = http.createServer((request, response) => response.end('not a socket'));
const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  if (request.url.startsWith('/declined')) {
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    return;
  }
  sockets.handleUpgrade(request, socket, head, (peer) => {
    peer.send(JSON.stringify(request.rawHeaders));
    peer.on('message', (data, binary) => peer.send(data, { binary }));
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
