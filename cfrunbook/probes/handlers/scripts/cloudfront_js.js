// What code of CloudFront Functions meets, inside the realm it runs in, for Node.js and QuickJS alike. The value of this
// script is a function of host: { runtime, kvs, type, modules, log, globals } gives { call(event), calls, attempts }.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-features.html
'use strict';
(function imitate(host) {
  const isNew = host.runtime === 'cloudfront-js-2.0';
  const calls = [];
  const attempts = [];
  const { stringify, parse } = JSON;
  const define = (object, name, value) => Object.defineProperty(object, name, { value, writable: true, configurable: true });
  const attempt = (what, name, message) => { attempts.push([what, String(name).slice(0, 300)]); return new Error(message); };

  define(globalThis, 'console', { log: (...texts) => host.log(texts.map(String).join(' ')) });

  // The time stands still while a function runs.
  const RealDate = Date;
  const start = RealDate.now();
  const FixedDate = function Date(...given) {
    if (!new.target) return new RealDate(start).toString();
    return given.length ? new RealDate(...given) : new RealDate(start);
  };
  for (const name of ['parse', 'UTC']) define(FixedDate, name, RealDate[name]);
  define(FixedDate, 'now', () => start);
  FixedDate.prototype = RealDate.prototype;
  define(RealDate.prototype, 'constructor', FixedDate);
  define(globalThis, 'Date', FixedDate);

  const crypto = {};
  const hashing = (make) => (algorithm, key) => {
    if (!['md5', 'sha1', 'sha256'].includes(algorithm)) throw new TypeError(`not supported algorithm: "${algorithm}"`);
    const hash = make(algorithm, key);
    return {
      update(data) { hash.update(data); return this; },
      digest: (encoding) => hash.digest(encoding || (isNew ? undefined : 'latin1')),
    };
  };
  if (host.modules.crypto) {
    crypto.createHash = hashing(host.modules.crypto.createHash);
    crypto.createHmac = hashing(host.modules.crypto.createHmac);
  }

  function kvs() {
    if (typeof host.kvs !== 'string') throw attempt('key_value_store', 'cf.kvs', 'no key value store was given');
    const store = parse(host.kvs);
    const has = (key) => Object.prototype.hasOwnProperty.call(store.values, key);
    return {
      async get(key, options) {
        if (!has(key)) throw new Error(`KeyNotFound: ${key}`); // the real wording is not documented
        const format = (options && options.format) || 'string';
        if (format === 'json') return parse(store.values[key]);
        if (format !== 'bytes') return store.values[key];
        if (!host.modules.buffer) throw attempt('module', 'buffer', 'Buffer is not imitated here');
        return host.modules.buffer.Buffer.from(store.values[key]);
      },
      exists: async (key) => has(key),
      meta: async () => ({ creationDateTime: store.time, lastUpdatedDateTime: store.time, keyCount: Object.keys(store.values).length }),
    };
  }
  const record = (name) => (...given) => {
    if (calls.length >= 20) return;
    let text;
    try { text = stringify(given); } catch { text = 'null'; }
    calls.push([name, text.length > 100000 ? 'null' : text]);
  };
  const helpers = { kvs };
  for (const name of ['updateRequestOrigin', 'selectRequestOriginById', 'createRequestOriginGroup']) helpers[name] = record(name);
  if (host.type === 'viewer-request') helpers.edgeLocation = { name: 'SEA', serverIp: '192.0.2.1', region: 'us-west-2' };
  const cf = new Proxy(helpers, {
    get(known, name) {
      if (name in known || typeof name === 'symbol' || (name === 'edgeLocation')) return known[name];
      throw attempt('helper', `cf.${name}`, `cf.${name} is not imitated here`);
    },
  });

  // The documentation lists all that there is, and these are not in it.
  const absent = ['Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'Proxy', 'Reflect', 'Intl', 'BigInt', 'Atomics',
    'SharedArrayBuffer', 'FinalizationRegistry', 'WebAssembly', 'Iterator', 'BigInt64Array', 'BigUint64Array'];
  for (const name of absent) delete globalThis[name];

  const modules = { crypto: host.modules.crypto && crypto, querystring: host.modules.querystring };
  if (isNew) Object.assign(modules, { cloudfront: cf, buffer: host.modules.buffer });
  define(globalThis, 'require', (name) => {
    if (Object.prototype.hasOwnProperty.call(modules, name)) {
      if (modules[name]) return modules[name];
      throw attempt('module', name, `${name} is not imitated here`);
    }
    throw new Error(`Cannot load module "${name}"`);
  });
  if (isNew) {
    for (const [name, value] of Object.entries(host.globals)) if (value) define(globalThis, name, value);
  } else if (!host.modules.buffer) {
    const refuse = (name) => () => { throw attempt('module', name, `${name} is not imitated here`); };
    define(String, 'bytesFrom', refuse('String.bytesFrom'));
    for (const name of ['toBytes', 'fromBytes', 'toUTF8', 'fromUTF8']) define(String.prototype, name, refuse(name));
  } else {
    const { Buffer } = host.modules.buffer;
    const part = (text, bounds) => String.prototype.slice.apply(text, bounds);
    const isBytes = (text) => !/[^\0-\xff]/.test(text);
    define(String, 'bytesFrom', (from, encoding) => Buffer.from(from, encoding).toString('latin1'));
    define(String.prototype, 'toBytes', function toBytes(...at) { const s = part(this, at); return isBytes(s) ? s : null; });
    define(String.prototype, 'fromBytes', function fromBytes(...at) { return part(this, at); });
    define(String.prototype, 'toUTF8', function toUTF8(...at) { return Buffer.from(part(this, at)).toString('latin1'); });
    define(String.prototype, 'fromUTF8', function fromUTF8(...at) {
      const bytes = Buffer.from(part(this, at), 'latin1');
      const text = bytes.toString();
      return Buffer.from(text).equals(bytes) ? text : null;
    });
  }

  return {
    calls,
    attempts,
    call(handler, text) {
      const event = parse(text);
      if (isNew && event.request) {
        const asked = event.request.querystring;
        const pairs = asked && typeof asked === 'object'
          ? Object.entries(asked).flatMap(([name, { value, multiValue }]) => (multiValue || [{ value }]).map((v) => `${name}=${v.value}`))
          : asked ? [asked] : [];
        define(event.request, 'rawQueryString', () => (pairs.length ? pairs.join('&') : undefined));
      }
      return handler(event);
    },
  };
});
