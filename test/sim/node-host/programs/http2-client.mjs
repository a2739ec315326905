/** One session, a request each 2 s; a session without an answer for 1.5 s is given up, and a new one is made after a second. */

import { readFileSync } from 'node:fs';
import http2 from 'node:http2';

const ca = readFileSync(new URL('test-only-certificate.pem', import.meta.url));

function connect() {
  const session = http2.connect('https://server:8444', { ca });
  const ask = () => {
    const stream = session.request({ ':path': '/' });
    stream.setEncoding('utf8');
    const patience = setTimeout(() => {
      console.log('server silent');
      session.destroy();
    }, 1500);
    stream.on('data', (text) => console.log(`server says ${text}`));
    stream.on('error', () => undefined);
    stream.on('close', () => clearTimeout(patience));
  };
  let requests;
  session.on('connect', () => {
    ask();
    requests = setInterval(ask, 2000);
  });
  session.on('error', ({ code }) => console.log(`server gone: ${code}`));
  session.on('close', () => {
    clearInterval(requests);
    setTimeout(connect, 1000);
  });
}

connect();
