/**
 * The bodies of Dubbo's frames, in Hessian 2, as far as they are needed here: strings, and the call that every Dubbo
 * service answers by itself, `$echo` of org.apache.dubbo.rpc.service.EchoService, which gives its argument back.
 */

/** null: the body of a beat, and of its answer. */
export const HESSIAN_NULL = Uint8Array.of(0x4e);

/** Version of the protocol, which differs from Dubbo's own (org.apache.dubbo.common.Version). */
const PROTOCOL_VERSION = '2.0.2';
/** Version of a service that states none. */
const SERVICE_VERSION = '0.0.0';
const ECHO = '$echo';
/** The Java descriptor of its arguments. */
const ECHO_ARGUMENTS = 'Ljava/lang/Object;';

/** DubboCodec's mark of a result, as a Hessian integer: a value, without or with attachments behind it. */
const VALUE = 0x91;
const VALUE_WITH_ATTACHMENTS = 0x94;

const MAP = 0x48;
const END = 0x5a;

/** The body of a call of `$echo`; both are of ASCII, and of at most 1023 characters. */
export function encodeEchoCall(service: string, text: string): Uint8Array {
  const call = [PROTOCOL_VERSION, service, SERVICE_VERSION, ECHO, ECHO_ARGUMENTS, text];
  const attachments = ['path', service, 'interface', service, 'version', SERVICE_VERSION];
  return Uint8Array.from([...call.flatMap(hessianString), MAP, ...attachments.flatMap(hessianString), END]);
}

/** The body of the answer to it, which has `argument`, as it came. */
export function encodeEchoResult(argument: Uint8Array): Uint8Array {
  return Uint8Array.of(VALUE, ...argument);
}

/** The body of a response that is not OK. */
export function encodeErrorText(text: string): Uint8Array {
  return Uint8Array.from(hessianString(text));
}

/** Content of a call: the argument to be returned, in Hessian, or something that only the method's name tells. */
export type Invocation =
  | { readonly method: typeof ECHO; readonly argument: Uint8Array }
  | { readonly method: string; readonly argument?: never };

/** Returns undefined if the body is no call in Hessian 2. Of `$echo`, only a string argument is supported. */
export function decodeCall(body: Uint8Array): Invocation | undefined {
  let at = 0;
  const texts: string[] = [];
  for (let i = 0; i < 5; i++) {
    const end = stringEnd(body, at);
    if (end === undefined) return undefined;
    texts.push(asciiText(body, at, end));
    at = end;
  }
  const method = texts[3] ?? '';
  const end = stringEnd(body, at);
  if (method !== ECHO || end === undefined) return { method };
  return { method, argument: body.slice(at, end) };
}

/** Returns the text that `$echo` returned; undefined if the result is no string. */
export function decodeEchoResult(body: Uint8Array): string | undefined {
  if (body[0] !== VALUE && body[0] !== VALUE_WITH_ATTACHMENTS) return undefined;
  const end = stringEnd(body, 1);
  return end === undefined ? undefined : asciiText(body, 1, end);
}

/**
 * Hessian 2 counts a string's UTF-16 code units: up to 31 of them in the code, up to 1023 in the code and one byte (see
 * http://hessian.caucho.com/doc/hessian-serialization.html, "string").
 */
function hessianString(text: string): number[] {
  const letters = Array.from(text, (letter) => letter.charCodeAt(0));
  const { length } = letters;
  return length < 32 ? [length, ...letters] : [0x30 + (length >> 8), length & 0xff, ...letters];
}

/**
 * Returns the end of the string that begins at `at`; undefined if there is none, or if it is longer than 65535 or cut
 * off.
 */
function stringEnd(bytes: Uint8Array, at: number): number | undefined {
  const [head, length] = stringHead(bytes, at);
  let end = at + head;
  for (let units = 0; units < length; units++) {
    const lead = bytes[end] ?? 0;
    end += lead < 0x80 ? 1 : lead < 0xe0 ? 2 : 3;
  }
  return head === 0 || end > bytes.length ? undefined : end;
}

/** Returns the number of bytes before the letters, and the number of letters; 0 bytes: there is no string. */
function stringHead(bytes: Uint8Array, at: number): [headBytes: number, units: number] {
  const [code = 0xff, first = 0, second = 0] = bytes.subarray(at, at + 3);
  if (code < 0x20) return [1, code];
  if (code >= 0x30 && code < 0x34) return [2, ((code - 0x30) << 8) | first];
  return code === 0x53 ? [3, (first << 8) | second] : [0, 0];
}

/** A string that ends at `end`, with a question mark for what is not of ASCII. */
function asciiText(bytes: Uint8Array, at: number, end: number): string {
  const [head] = stringHead(bytes, at);
  let text = '';
  for (const byte of bytes.subarray(at + head, end)) text += String.fromCharCode(byte < 0x80 ? byte : 0x3f);
  return text;
}
