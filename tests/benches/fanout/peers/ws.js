// Node's `ws`: every client gets what is posted to /pub. The frame is prepared once, which is its fastest way.
"use strict";
const http = require("node:http");
const { WebSocketServer, Sender } = require("ws");

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const options = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true };
    const frame = Buffer.concat(Sender.frame(Buffer.concat(parts), options));
    for (const client of clients) client._socket.write(frame);
    response.end();
  });
});
const clients = new Set();
const sessions = new WebSocketServer({ server, path: "/sub", perMessageDeflate: false });
sessions.on("connection", (client) => {
  clients.add(client);
  client.on("close", () => clients.delete(client));
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
