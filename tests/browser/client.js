// What a page does with the specification's classes, which are used as they are. A plain script: it runs in a browser
// after `specification.js`, and in Node in the same global scope.
'use strict';

const PATIENCE_MS = 20000;
const stockSockJS = SockJS;

/** Waits until `ask` gives something. */
async function until(what, ask) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
        const answer = ask();
        if (answer) return answer;
        if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

/** One UpdateManager, with what came to it. */
class Client {
    constructor(token, base) {
        this.manager = new UpdateManager(token, base);
        this.heard = { notifications: [], downloads: [], heartbeats: 0, errors: [] };
        const { heard } = this;
        // The nine methods that the specification's class calls and does not define.
        Object.assign(this.manager, {
            handleWelcome: (data) => { heard.welcome = data; },
            handleInstallationCompleted: () => {},
            handleRateLimit: (data) => { heard.errors.push(data); },
            handleCompatibilityIssue: (data) => { heard.errors.push(data); },
            handleError: (data) => { heard.errors.push(data); },
            handleHeartbeat: () => { heard.heartbeats += 1; },
            showUpdateNotification: (update) => { heard.notifications.push(update); },
            updateDownloadProgress: (progress) => { heard.downloads.push(progress); },
            updateInstallationProgress: () => {},
        });
    }

    /** Connects by one transport; the class itself then registers and subscribes. */
    connect(transport) {
        globalThis.SockJS = function only(url) {
            return new stockSockJS(url, null, transport ? { transports: [transport] } : {});
        };
        this.manager.connect();
        const { socket } = this.manager;
        socket.addEventListener('close', ({ code, reason }) => { this.heard.closed = { code, reason }; });
        return socket;
    }

    /** Returns when the daemon has carried out what was sent so far. */
    async settle() {
        await until('WELCOME', () => {
            if (this.heard.closed) throw new Error(`closed: ${JSON.stringify(this.heard.closed)}`);
            return this.heard.welcome;
        });
        const before = this.heard.heartbeats;
        this.manager.sendMessage({ type: 'PING', data: {} });
        await until('HEARTBEAT', () => this.heard.heartbeats > before);
    }

    /** Waits for the announcement of a version. */
    announcement(version) {
        const { notifications } = this.heard;
        return until(`the announcement of ${version}`, () => notifications.find((update) => update.version === version));
    }

    /** Says goodbye. */
    disconnect() {
        this.manager.disconnect();
        return until('the end of the connection', () => this.heard.closed);
    }
}

/** Connects by one transport, registers and subscribes. */
async function openSession({ token, base, transport }) {
    const client = new Client(token, base);
    const socket = client.connect(transport);
    await client.settle();
    return { client, used: socket.transport };
}

/** Hears of a release and leaves. */
async function closeSession({ client, used }, version) {
    const update = await client.announcement(version);
    const closed = await client.disconnect();
    return { used, update, closed, errors: client.heard.errors };
}

/** Uses UpdateAPIClient while a session of the same user follows the download. */
async function useApi({ token, base, from, to }) {
    const { client } = await openSession({ token, base });
    const api = new UpdateAPIClient(token, `${base}/api/v1/updates`);
    const check = await api.checkForUpdates(from);
    const progress = [];
    const blob = await api.downloadUpdate(to, (step) => progress.push(step));
    const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
    const followed = client.heard.downloads;
    await until('the end of the download in the session', () => followed.some(({ percentage }) => percentage === 100));
    const told = {
        check,
        sha256: Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join(''),
        isGrowing: progress.every(({ loaded }, at) => at === 0 || loaded > progress[at - 1].loaded),
        lastStep: progress.at(-1),
        metadata: await api.getVersionMetadata(to),
        delta: await api.getDifferentialUpdate(from, to),
        missing: await api.getVersionMetadata('9.9.9').catch((error) => error.message),
        unauthorized: await new UpdateAPIClient('a.b.c', `${base}/api/v1/updates`)
            .checkForUpdates(from)
            .catch((error) => error.message),
    };
    await client.disconnect();
    return told;
}

/** Comes with a token that is none. */
async function comeWithBadToken(base) {
    const client = new Client('a.b.c', base);
    client.manager.maxReconnectAttempts = 0;
    client.connect();
    return until('the end', () => client.heard.closed);
}
