// µWebSockets: every client subscribes to one topic and gets what is posted to /pub.
"use strict";
const uws = require("uwebsockets");

const app = uws.App();
app.ws("/sub", { compression: uws.DISABLED, idleTimeout: 0, open: (client) => client.subscribe("releases") });
app.post("/pub", (response) => {
  let body = Buffer.alloc(0);
  response.onAborted(() => {});
  response.onData((part, isLast) => {
    body = Buffer.concat([body, Buffer.from(part)]);
    if (!isLast) return;
    app.publish("releases", body, false);
    response.end();
  });
});
app.listen("127.0.0.1", Number(process.argv[2]), (socket) => {
  if (!socket) throw new Error("cannot listen");
});
