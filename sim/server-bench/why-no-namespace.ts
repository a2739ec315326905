/** Reasons why a server cannot have a network namespace of its own, and the way out: one sentence each. */

const T0 = 'or run your server yourself and say --server HOST:PORT, which is tier T0';

/** `why` is what the helper, or the command that should have started it, said last. */
export function whyNoNamespace(why: string): string {
  if (/unshare.*ENOENT/.test(why)) {
    return `the server needs a network namespace, and there is no command unshare: install util-linux, ${T0}`;
  }
  if (/unshare/.test(why)) {
    return (
      `the server needs a network namespace, which this system refuses (${why}), as Ubuntu's AppArmor does to ordinary users and Docker ` +
      `to all: run it as root (sudo), a container with --privileged; ${T0}`
    );
  }
  if (/\/dev\/net\/tun: No such/.test(why)) {
    return (
      `the server needs a TUN interface, and there is no /dev/net/tun: load its module (modprobe tun), give a container ` +
      `--device /dev/net/tun; ${T0}`
    );
  }
  if (/\/dev\/net\/tun/.test(why)) {
    return (
      `the server needs a TUN interface, and /dev/net/tun is not for this user (${why}): make it so (chmod 666 /dev/net/tun), or run this ` +
      `as root (sudo); ${T0}`
    );
  }
  return `the helper that keeps the server's network has ended${why === '' ? '' : `: ${why}`}`;
}

/** Returns a sentence if not even a try makes sense on this platform. */
export function whyNotHere(platform: string): string | undefined {
  if (platform === 'linux') return undefined;
  return `a server behind -- COMMAND has a network namespace of Linux's, and this is ${platform}: ${T0.replace(/^or /, '')}`;
}
