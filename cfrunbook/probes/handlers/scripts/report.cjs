'use strict';
// What a handler gave, told to the process that started this one: plain JavaScript, for Node.js and QuickJS alike.

const NODES = 20000; // values looked at; a result for CloudFront has a few dozen
const LOST = 50;

/** Return a lower bound of the size of value's JSON, and what has no JSON form, with its path. Stops at maximum. */
function survey(value, maximum) {
  const lost = [];
  const seen = new Set();
  const open = [[value, '']];
  let size = 0;
  let looked = 0;
  const note = (path, what) => lost.length < LOST && lost.push([path.slice(0, 300), what]);
  const below = (path, key) =>
    typeof key === 'number' ? `${path}[${key}]`
      : /^[A-Za-z_$][\w$]*$/.test(key) ? (path ? `${path}.${key}` : key)
        : `${path}[${JSON.stringify(key)}]`;
  while (open.length && looked++ < NODES && size <= maximum) {
    const [item, path] = open.pop();
    switch (typeof item) {
      case 'string': size += item.length; break;
      case 'number': if (!Number.isFinite(item)) note(path, String(item)); break;
      case 'undefined': case 'function': case 'symbol': if (path) note(path, typeof item); break;
      case 'object': {
        if (item === null || seen.has(item)) break;
        seen.add(item);
        if (ArrayBuffer.isView(item)) {
          size += item.length || 0;
          note(path, item.constructor ? String(item.constructor.name).slice(0, 60) : 'bytes');
        } else if (typeof item.then === 'function') {
          note(path, 'promise');
        } else if (typeof item.toJSON !== 'function') {
          const tag = Object.prototype.toString.call(item).slice(8, -1);
          if (['Map', 'Set', 'WeakMap', 'WeakSet', 'RegExp', 'Error', 'ArrayBuffer'].includes(tag)) note(path, tag);
          const keys = Array.isArray(item) ? Array.from({ length: Math.min(item.length, NODES) }, (_, i) => i)
            : Object.keys(item).slice(0, NODES);
          for (const key of keys.reverse()) open.push([item[key], below(path, key)]);
        }
      }
    }
  }
  return { size, lost };
}

/** Return the report of a value that was returned, and its JSON. kind says why null stands for it, if it does. */
function returned(value, kind, maximum) {
  let found = { size: 0, lost: [] };
  try { found = survey(value, maximum); } catch { /* a getter or proxy of the handler; stringify will meet it too */ }
  if (found.size > maximum) return [{ end: 'too_large', bytes: found.size }, ''];
  let text;
  try { text = JSON.stringify(value === undefined ? null : value); } catch (error) {
    return [threw(error, 'result'), ''];
  }
  if (text === undefined) return [{ end: 'returned', kind: 'no_json', lost: found.lost }, ''];
  return [{ end: 'returned', kind: kind || (value === undefined ? 'undefined' : value === null ? 'null' : 'value'),
    lost: found.lost }, text];
}

const clip = (text, size) => (text.length > size ? text.slice(0, size) + '…' : text);

/** Return the report of an error, whatever was thrown: also a string, a revoked proxy, an object that throws. */
function threw(error, phase, type) {
  const told = { end: 'threw', phase, type: type || typeof error, message: '', stack: '', codes: [] };
  try {
    if (error !== null && typeof error === 'object') {
      told.type = type || clip(String(error.name || (error.constructor && error.constructor.name) || 'Error'), 200);
      told.message = clip(String(error.message === undefined ? '' : error.message), 4000);
      told.stack = clip(String(error.stack || ''), 8000);
      for (let e = error, n = 0; e && n < 6; e = e.cause || (e.errors && e.errors[0]), n++) {
        const code = e.permission ? `${e.code}:${e.permission}` : e.code || ''; // of Node.js's permission model
        told.codes.push(clip(String(code), 100), clip(String(e.resource || e.path || ''), 500));
      }
    } else {
      told.message = clip(String(error), 4000);
    }
  } catch { /* what could be read of it is told */ }
  return told;
}

if (typeof module !== 'undefined') module.exports = { returned, threw };
