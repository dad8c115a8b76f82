// Runs client.js in Node, in the global scope that it shares with the specification's classes.
import { createRequire } from 'node:module';
import vm from 'node:vm';

import { finish, goThrough, ownFile, specification } from './driver.mjs';

globalThis.SockJS = createRequire(import.meta.url)('sockjs-client');
// The classes look at two things that only browsers have: which platform it is, and the number of the state OPEN.
globalThis.WebSocket ??= { OPEN: 1 };
globalThis.navigator ??= { platform: 'node', userAgent: 'node' };
// They talk a lot; the standard output is the suite's.
console.log = console.error;

vm.runInThisContext(specification, { filename: 'specification.js' });
vm.runInThisContext(ownFile('client.js'), { filename: 'client.js' });

finish(await goThrough({
    open: openSession,
    close: closeSession,
    call: (name, ...args) => globalThis[name](...args),
}));
process.exit(0);
