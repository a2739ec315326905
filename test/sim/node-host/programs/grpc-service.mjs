/** A stream of messages both ways, as they are: a service that needs no .proto file. */

const asItIs = (bytes) => bytes;

export const WATCH = {
  path: '/devices/Watch',
  requestStream: true,
  responseStream: true,
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
};
