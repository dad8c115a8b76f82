// Runs client.js in headless Chromium, in a page of http://localhost:3000.
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { chromium } from 'playwright-core';

import { finish, goThrough, ownFile, specification, task } from './driver.mjs';

const PORT = 3000;
const PORT_PATIENCE_MS = 20000;
const HTML = 'text/html; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const FILES = {
    '/': [HTML, ownFile('page.html')],
    '/sockjs.min.js': [SCRIPT, ownFile('node_modules/sockjs-client/dist/sockjs.min.js')],
    '/specification.js': [SCRIPT, specification],
    '/client.js': [SCRIPT, ownFile('client.js')],
};
const FLAGS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];

/** The page's own server. What it has not, it gets from the daemon, as a reverse proxy in front of both would. */
function answer(request, response) {
    const file = FILES[request.url];
    if (file) {
        const [type, text] = file;
        response.writeHead(200, { 'Content-Type': type }).end(text);
        return;
    }
    const { method, headers } = request;
    const forwarded = forward(new URL(request.url, task.daemon), { method, headers }, (answered) => {
        response.writeHead(answered.statusCode, answered.headers);
        answered.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    response.on('close', () => forwarded.destroy());
    request.pipe(forwarded);
}

const server = createServer(answer);

/** Takes the port, or waits for another run of these tests to give it back. */
async function listen() {
    const deadline = Date.now() + PORT_PATIENCE_MS;
    for (;;) {
        server.listen(PORT, '127.0.0.1');
        try {
            await once(server, 'listening');
            return;
        } catch (error) {
            if (error.code !== 'EADDRINUSE') throw error;
            if (Date.now() > deadline) {
                throw new Error(`the page needs port ${PORT}, as the specification has it; end what listens there`);
            }
            await setTimeout(100);
        }
    }
}

await listen();

const context = await chromium.launchPersistentContext(process.env.PROFILE, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
});
try {
    const page = await context.newPage();
    page.on('console', (message) => console.error(`page: ${message.text()}`));
    page.on('pageerror', (error) => console.error(`page: ${error.stack}`));
    const refusals = [];
    page.on('request', (request) => {
        if (request.url().includes('token=a.b.c')) refusals.push(request.url());
    });
    await page.goto(`http://localhost:${PORT}/`);
    const call = (name, ...args) => page.evaluate(([name, args]) => globalThis[name](...args), [name, args]);
    const open = (asked) => page.evaluateHandle((asked) => openSession(asked), asked);
    const close = (session, version) => session.evaluate((session, version) => closeSession(session, version), version);
    const result = await goThrough({ open, close, call });
    finish({ ...result, refusals });
} finally {
    await context.close();
    server.close();
    server.closeAllConnections();
}
