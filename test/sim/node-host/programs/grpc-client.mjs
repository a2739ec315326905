/** A gRPC client with a stream that stays open, which it opens again a second after it is over. */

import { WATCH } from './grpc-service.mjs';
import { peer } from './peers.mjs';

const { credentials, makeGenericClientConstructor } = peer('@grpc/grpc-js');

const Client = makeGenericClientConstructor({ watch: WATCH }, 'Devices');
const keepalive = { 'grpc.keepalive_time_ms': 4000, 'grpc.keepalive_timeout_ms': 2000 };
const client = new Client('server:50051', credentials.createInsecure(), keepalive);

function watch() {
  const call = client.watch();
  call.write(Buffer.from('hello'));
  call.on('data', (bytes) => console.log(`server says ${bytes}`));
  call.on('error', ({ code, details }) => {
    console.log(`server gone: ${code} ${details}`);
    setTimeout(watch, 1000);
  });
}

watch();
