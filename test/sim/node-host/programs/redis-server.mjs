/** The part of Redis that a client needs to connect and ping: RESP over TCP. It says nothing by itself. */

import net from 'node:net';

const INFO = 'redis_version:7.0.0\r\nloading:0\r\n';

net
  .createServer((socket) => {
    console.log('client came');
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(6000, () => {
      console.log('client silent');
      socket.destroy();
    });
    socket.on('data', (piece) => {
      text += piece;
      for (let match; (match = /^\*(\d+)\r\n/.exec(text)); ) {
        const lines = text.slice(match[0].length).split('\r\n');
        const count = 2 * Number(match[1]);
        if (lines.length <= count) return;
        const words = lines.slice(0, count).filter((_line, index) => index % 2 === 1);
        text = lines.slice(count).join('\r\n');
        socket.write(answer(words[0].toLowerCase()));
      }
    });
    socket.on('error', ({ code }) => console.log(`client gone: ${code}`));
    socket.on('close', () => console.log('client closed'));
  })
  .listen(6379);

function answer(command) {
  if (command === 'ping') return '+PONG\r\n';
  if (command === 'info') return `$${INFO.length}\r\n${INFO}\r\n`;
  if (command === 'hello') return "-ERR unknown command 'HELLO'\r\n";
  return '+OK\r\n';
}
