'use strict';
// The pipe to the process that started this one: the job on stdin (one line of JSON, then the event), the report on job.fd.

const fs = require('fs');

const { writeSync } = fs;
const input = fs.readFileSync(0);
const cut = input.indexOf(10);
const job = JSON.parse(input.subarray(0, cut).toString());
let done = false;

function write(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(job.fd, bytes, at);
}

// What is printed must be out before the report: who reads that ends this process.
for (const { _handle: handle } of [process.stdout, process.stderr]) if (handle && handle.setBlocking) handle.setBlocking(true);

write(JSON.stringify({ runtime: 'node', version: process.versions.node }) + '\n');

/** Send the report, once, and the JSON of the result behind it; whoever reads it ends this process. */
function send([report, text], more) {
  if (done) return;
  done = true;
  const size = Buffer.byteLength(text);
  const large = size > job.result_bytes;
  const told = large ? { end: 'too_large', bytes: size } : { bytes: size, ...report };
  write(JSON.stringify({ ...told, ...more }) + '\n' + (large ? '' : text));
}

module.exports = { job, send, event: () => JSON.parse(input.subarray(cut + 1).toString()), isDone: () => done };
