/** A gRPC server that pings its clients each 3 s, and gives up one that does not answer in 2 s. */

import { WATCH } from './grpc-service.mjs';
import { peer } from './peers.mjs';

const { Server, ServerCredentials } = peer('@grpc/grpc-js');

const server = new Server({ 'grpc.keepalive_time_ms': 3000, 'grpc.keepalive_timeout_ms': 2000 });
server.addService({ watch: WATCH }, {
  watch(call) {
    console.log('client came');
    call.on('data', (bytes) => call.write(bytes));
    call.on('cancelled', () => console.log('client gone'));
    call.on('error', ({ code }) => console.log(`client gone: ${code}`));
  },
});
server.bindAsync('0.0.0.0:50051', ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
