/** ioredis: a PING each second, that has to be answered in 2 s. */

import { peer } from './peers.mjs';

const { Redis } = peer('ioredis');

const redis = new Redis({ host: 'server', commandTimeout: 2000, retryStrategy: () => 1000, enableOfflineQueue: false });
redis.on('ready', () => console.log('server there'));
redis.on('close', () => console.log('connection closed'));
redis.on('error', ({ code, message }) => console.log(`error: ${code ?? message}`));
setInterval(() => {
  if (redis.status !== 'ready') return;
  redis.ping().catch(({ message }) => {
    console.log(`server silent: ${message}`);
    redis.disconnect(true);
  });
}, 1000);
