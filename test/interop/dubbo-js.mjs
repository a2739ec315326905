// dubbo-remoting, Dubbo's protocol for Node, as a server or a client: MODULE serve | MODULE call PORT.
// It prints what comes, a line each.
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';

const [module, task, port] = process.argv.slice(2);
const protocol = createRequire(import.meta.url)(module);
const say = (line) => process.stdout.write(`${line}\n`);

/** Both ends of a connection; what it says of a packet, and when a packet comes. */
function speak(socket, heard) {
  const sentReqs = new Map();
  const encoder = protocol.encoder({ sentReqs });
  const decoder = protocol.decoder({ sentReqs });
  encoder.pipe(socket);
  socket.pipe(decoder);
  for (const kind of ['request', 'response', 'heartbeat', 'heartbeat_ack']) {
    decoder.on(kind, (packet) => heard(kind, packet));
  }
  socket.on('error', ({ code }) => say(`error ${code}`));
  socket.on('close', () => say('closed'));
  return { encoder, sentReqs };
}

if (task === 'serve') {
  const server = createServer((socket) => {
    say('connected');
    const { encoder } = speak(socket, (kind, packet) => {
      if (kind === 'heartbeat') {
        say(`beat ${packet.data}`);
        encoder.writeHeartbeatAck(packet);
      } else if (kind === 'request') {
        const { methodName, serverSignature, args } = packet.data;
        say(`call ${serverSignature} ${methodName} ${args}`);
        encoder.writeResponse(packet, { isError: false, appResponse: args[0] });
      }
    });
  });
  server.listen(0, '127.0.0.1', () => say(`port ${server.address().port}`));
} else {
  const socket = connect(Number(port), '127.0.0.1', () => {
    const { encoder, sentReqs } = speak(socket, (kind, { packetId, data }) => {
      if (kind === 'heartbeat_ack') return say(`beat answered ${packetId}`);
      say(`answer ${packetId} ${data.error === null ? data.appResponse : data.error.message}`);
    });
    const call = (id, methodName, args) => {
      const req = { serverSignature: 'a.B:1.0', methodName, args, requestProps: {}, timeout: 3000 };
      sentReqs.set(id, { req });
      encoder.writeRequest(id, req);
    };
    encoder.writeHeartbeat(1, { clientUrl: '' });
    call(2, '$echo', ['two']);
    call(3, 'other', ['three']);
    call(4, '$echo', ['four']);
  });
}
