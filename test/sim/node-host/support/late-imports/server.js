/** A program that listens when what it imports has come, and does not wait for that. */

export const begin = () => {
  import('net').then(({ default: net }) => net.createServer().listen(8001));
  import('./listen.js').then(({ listen }) => listen(8002));
  import('./nested.js').then(({ listen }) => listen(8003));
  import('tsx/esm/api').then(() => import('./listen.js')).then(({ listen }) => listen(8004));
  lazy().then(({ listen }) => listen(8007));
  setTimeout(async () => {
    const { listen } = await import('./listen.js?later');
    listen(8005).on('listening', () => console.log(`listens on 8005 at ${performance.now()} ms`));
    await import('node:net');
    setTimeout(() => listen(8006), 100);
    lazy().then(({ listen }) => listen(8008));
  }, 500);
};

async function lazy() {
  await undefined;
  return import('./listen.js?lazy');
}

begin();
