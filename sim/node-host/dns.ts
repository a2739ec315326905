/** Names are looked up on the simulated network. */

import dns, { type LookupOptions } from 'node:dns';
import type { NetworkInterfaceInfo } from 'node:os';
import type { Errno } from '../../hal/errno.ts';
import { builtin, cares, uvErrno, type Request } from './internals.ts';
import { forPrograms } from './owner.ts';
import type { Patches } from './patch.ts';
import type { SimulatedProcess } from './process.ts';

/** Time to live of a name server's answers. */
const TTL_S = 60;

interface Query extends Request {
  callback?: unknown;
}

export function patchDns(patches: Patches): void {
  patches.replace(cares, 'getaddrinfo', forPrograms((process, args, original) => {
    const [request, name, family] = args;
    if (!isRequest(request)) return original(...args);
    lookup(process, String(name), (result) => {
      // Nobody here has an address of IPv6.
      if (typeof result === 'string' || family === 6)
        request.oncomplete?.(uvErrno(typeof result === 'string' ? result : 'EAI_NONAME'), null);
      else request.oncomplete?.(null, result);
    });
    return 0;
  }));
  patches.replace(cares, 'getnameinfo', forPrograms((process, args, original) => {
    const [request, address, port] = args;
    if (!isRequest(request)) return original(...args);
    const name = String(address).startsWith('127.') ? 'localhost' : address;
    process.later(() => request.oncomplete?.(null, name, String(port)));
    return 0;
  }));
  patchPromises(patches);
  patches.replace(builtin('os'), 'networkInterfaces', forPrograms((process) => {
    const eth0 = process.surroundings.interface();
    return { lo: [LOOPBACK], ...(eth0 && { eth0: [{ ...eth0, family: 'IPv4', internal: false }] }) };
  }));
  // dns.resolve4 and the like ask a name server: of a simulated name, there are its addresses and nothing else.
  const channel = cares.ChannelWrap.prototype;
  for (const key of Object.getOwnPropertyNames(channel).filter(
    (name) => name.startsWith('query') || name === 'getHostByAddr',
  )) {
    patches.replaceIfThere(channel, key, forPrograms((process, args, original) => {
      const [request, name] = args;
      if (!isRequest(request)) return original(...args);
      if (key !== 'queryA') {
        process.later(() => request.oncomplete?.('ENODATA'));
        return 0;
      }
      lookup(process, String(name), (result) => {
        if (typeof result === 'string') request.oncomplete?.(result === 'EAI_NONAME' ? 'ENOTFOUND' : 'ETIMEOUT');
        else request.oncomplete?.(null, result, result.map(() => TTL_S));
      });
      return 0;
    }));
  }
}

/**
 * lib/internal/dns/promises.js holds functions of the binding that it took when it was loaded, so that its own
 * functions are replaced: by those of `dns`.
 */
function patchPromises(patches: Patches): void {
  const promises = builtin('dns/promises');
  patches.replace(promises, 'lookup', forPrograms<[string, (number | LookupOptions)?]>((_, [name, options = {}]) => {
    const { promise, settle } = settled();
    const given = typeof options === 'number' ? { family: options } : options;
    dns.lookup(name, given, (error, address, family) => {
      settle(error, typeof address === 'string' ? { address, family } : address);
    });
    return promise;
  }));
  patches.replace(promises, 'lookupService', forPrograms<[string, number]>((_, [address, port]) => {
    const { promise, settle } = settled();
    dns.lookupService(address, port, (error, hostname, service) => settle(error, { hostname, service }));
    return promise;
  }));
}

type Settle = (error: Error | null, value: unknown) => void;

/** A promise, and the function that settles it; a wrong argument of a look-up throws at once, as Node's does. */
function settled(): { readonly promise: Promise<unknown>; readonly settle: Settle } {
  let settle: Settle = () => {};
  const promise = new Promise((resolve, reject) => {
    settle = (error, value) => (error === null ? resolve(value) : reject(error));
  });
  return { promise, settle };
}

function lookup(process: SimulatedProcess, name: string, done: (result: string[] | Errno) => void): void {
  const request = { holds: true, kind: 'look-up' } as const;
  process.handles.add(request);
  process.hal.network.lookup(name, (result) => {
    process.handles.delete(request);
    process.called(() => done(typeof result === 'string' ? result : [...result]));
  });
}

function isRequest(value: unknown): value is Query {
  return typeof value === 'object' && value !== null;
}

const LOOPBACK: NetworkInterfaceInfo = {
  address: '127.0.0.1', netmask: '255.0.0.0', family: 'IPv4', mac: '00:00:00:00:00:00', internal: true,
  cidr: '127.0.0.1/8',
};
