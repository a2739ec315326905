/** A program that asks for files, keys, compression and names at once, and prints when all have come. Run by Node. */

import { nodeProgram, Simulation } from '../../../../dist/sim/index.js';

async function program() {
  const { createHash, pbkdf2, randomBytes, scrypt } = await import('node:crypto');
  const dns = await import('node:dns/promises');
  const { readFile } = await import('node:fs/promises');
  const { promisify } = await import('node:util');
  const { brotliCompress, gunzip, gzip } = await import('node:zlib');
  for (let round = 0; round < 3; round++) {
    const file = readFile(new URL(import.meta.url));
    const [text, , , , zipped] = await Promise.all([
      file,
      promisify(pbkdf2)('word', 'salt', 1000, 32, 'sha256'),
      promisify(scrypt)('word', 'salt', 32),
      promisify(randomBytes)(32),
      file.then((bytes) => promisify(gzip)(bytes)),
      file.then((bytes) => promisify(brotliCompress)(bytes)),
      file.then((bytes) => crypto.subtle.digest('SHA-256', bytes)),
      dns.lookup('server'),
    ]);
    const [one, other] = [text, await promisify(gunzip)(zipped)].map((bytes) => createHash('md5').update(bytes).digest('hex'));
    console.log(`round ${round} at ${performance.now()} ms: ${one === other}`);
  }
}

const sim = new Simulation({ seed: 1 });
sim.addServer(nodeProgram(program, { onOutput: (line) => console.log(line) }));
sim.addDevice({ firmware: nodeProgram(program, { onOutput: () => undefined }) });
await sim.runFor('1s');
