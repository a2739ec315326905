/** The client of socket.io, with its own way of connecting again; and a word each second that wants its answer. */

import { peer } from './peers.mjs';

const { io } = peer('socket.io-client');

const socket = io('http://server:8082', { reconnectionDelay: 1000, reconnectionDelayMax: 1000 });
socket.on('connect', () => console.log('server there'));
socket.on('connect_error', ({ message }) => console.log(`no server: ${message}`));
socket.on('disconnect', (reason) => console.log(`server gone: ${reason}`));
setInterval(() => socket.connected && socket.emit('word', 'hello', () => undefined), 1000);
