// The stock tus client, as any publisher may use it: over connections that break, given up and taken up again, and ended.
import { readFile } from 'node:fs/promises';

import * as tus from 'tus-js-client';

const task = JSON.parse(process.env.TASK_WITH_TOKENS);
const file = await readFile(task.file);

/// Runs an upload until it ends, or until `stop` says so when it hears of progress.
function run(options, stop = () => false) {
    return new Promise((resolve, reject) => {
        let retries = 0;
        const upload = new tus.Upload(file, {
            endpoint: task.endpoint,
            headers: { Authorization: `Bearer ${task.token}` },
            metadata: { filename: 'app.jar', filetype: 'application/java-archive' },
            retryDelays: Array(30).fill(20),
            storeFingerprintForResuming: false,
            onShouldRetry() {
                retries += 1;
                return true;
            },
            onError: reject,
            onSuccess: () => resolve({ url: upload.url, retries }),
            onProgress(sent) {
                if (upload.url && stop(sent)) {
                    stop = () => false;
                    upload.abort().then(() => resolve({ url: upload.url, retries }), reject);
                }
            },
            ...options,
        });
        upload.start();
    });
}

async function status(url) {
    const answer = await fetch(url, {
        method: 'HEAD',
        headers: { Authorization: `Bearer ${task.token}`, 'Tus-Resumable': '1.0.0' },
    });
    return { status: answer.status, offset: Number(answer.headers.get('upload-offset')) };
}

const cut = await run();
const inPieces = await run({ chunkSize: 1_000_000, endpoint: task.direct });
const withPost = await run({ overridePatchMethod: true, endpoint: task.direct, uploadDataDuringCreation: true });
const givenUp = await run({ endpoint: task.slow }, (sent) => sent > file.length / 4);
const before = await status(givenUp.url);
const takenUp = await run({ uploadUrl: givenUp.url });
const after = await status(givenUp.url);
for (const { url } of [inPieces, withPost]) {
    await tus.Upload.terminate(url, { headers: { Authorization: `Bearer ${task.token}` } });
}
const ended = await status(inPieces.url);
console.log(`result ${JSON.stringify({ cut, before, takenUp, after, ended })}`);
process.exit(0);
