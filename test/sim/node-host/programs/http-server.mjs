/** http with the timeouts of Node's server, shortened, and a part that never answers. */

import http from 'node:http';

const server = http.createServer({ connectionsCheckingInterval: 500 }, (request, response) => {
  console.log(`asked for ${request.url}`);
  if (request.url !== '/slow') response.end('hello');
});
server.keepAliveTimeout = 4000;
server.headersTimeout = 4000;
server.requestTimeout = 5000;
server.on('connection', (socket) => {
  console.log('client came');
  socket.on('error', ({ code }) => console.log(`client gone: ${code}`));
  socket.on('close', () => console.log('client closed'));
});
server.listen(8080);
