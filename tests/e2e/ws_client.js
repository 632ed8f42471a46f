// One WebSocket conversation with npm ws, told by JSON on the command line:
//   {"url", "headers", "messages": [text, or a number: so many bytes], "stay": true}
// Prints one JSON line: {"opened", "status", "headers", "echoed", "code"}. With "stay" it prints when
// all is echoed and again, with the close code, when the other side ends it.
'use strict';
const WebSocket = require('ws');

const task = JSON.parse(process.argv[2]);
const result = { opened: false, echoed: 0 };
const wanted = (task.messages || []).map((m) => (typeof m === 'number' ? Buffer.alloc(m, 7) : Buffer.from(m)));
const say = () => console.log(JSON.stringify(result));
const socket = new WebSocket(task.url, { headers: task.headers, perMessageDeflate: task.deflate === true });

socket.on('unexpected-response', (request, response) => {
  result.status = response.statusCode;
  result.proxyStatus = response.headers['proxy-status'];
  say();
  process.exit(0);
});
socket.on('error', (error) => {
  result.error = String(error);
  say();
  process.exit(0);
});
socket.on('open', () => { result.opened = true; });
socket.on('close', (code) => {
  result.code = code;
  say();
});
socket.on('message', (data) => {
  if (!result.headers) {
    result.headers = JSON.parse(data);
    wanted.forEach((message) => socket.send(message));
  } else if (Buffer.compare(data, wanted[result.echoed]) === 0) {
    result.echoed += 1;
  } else {
    result.error = 'another message came back';
  }
  if (result.echoed === wanted.length) {
    if (task.stay) say();
    else socket.close(1000);
  }
});
