// Goes through what the suite asks for, in a browser or in Node, and tells it on the standard output: `ready TRANSPORT`
// when a session by that transport waits for its announcement, at the end `result JSON`.
import { readFileSync } from 'node:fs';

/** What the suite wants: the addresses `base` and `daemon`, a `token`, `sessions` and `api`. */
export const task = JSON.parse(process.env.TASK_WITH_TOKENS);

/** The specification's classes, cut out of its text. */
export const specification = readFileSync(process.env.SPECIFICATION, 'utf8');

export const ownFile = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

const say = (word, value) => console.info(`${word} ${value}`);

/** `call(name, ...args)` calls a function of client.js; `open` keeps what it gives, and `close` takes that. */
export async function goThrough({ open, close, call }) {
    const result = { sessions: {} };
    for (const { transport, version, base } of task.sessions) {
        const session = await open({ token: task.token, base: base ?? task.base, transport });
        say('ready', transport);
        result.sessions[transport] = await close(session, version);
    }
    result.api = await call('useApi', task.api);
    result.refused = await call('comeWithBadToken', task.base);
    return result;
}

export function finish(result) {
    say('result', JSON.stringify(result));
}
