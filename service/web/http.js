// @ts-check
/** The service's API: JSON in and out, and every error as one kind of exception. */

import { during } from './busy.js';

const REMEMBERED = 64;

/** Answers that carried a tag, by path: what has not changed is not sent again. @type {Map<string, {etag: string, data: any}>} */
const known = new Map();

/** @type {() => void} */
let signedOut = () => {};

/** @param {() => void} told called whenever an answer says that nobody is signed in who may ask */
export function onSignedOut(told) {
  signedOut = told;
}

/** An answer that is an error, as RFC 9457 has it; with `status` 0 where there was no answer at all. */
export class Problem extends Error {
  /** @param {{status: number, title?: string, detail?: string, errors?: {pointer: string, detail: string}[]}} problem */
  constructor({ status, title = '', detail = '', errors = [] }) {
    super(detail || title || `status ${status}`);
    this.name = 'Problem';
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.errors = errors;
  }

  /** True where the same request may well be answered a little later. */
  get passing() {
    return this.status === 0 || this.status === 503;
  }
}

/**
 * What is there. An answer that has not changed is the identical object, so that `===` tells whether to draw.
 * @param {string} path
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export function get(path, options) {
  return during(found(path, options));
}

/**
 * @param {string} path
 * @param {{signal?: AbortSignal}} [options]
 */
async function found(path, { signal } = {}) {
  const before = known.get(path);
  const answer = await ask(path, { signal, headers: before ? { 'If-None-Match': before.etag } : {} });
  if (answer.status === 304 && before) return before.data;
  const data = await content(answer);
  const etag = answer.headers.get('ETag');
  if (etag) remember(path, { etag, data });
  return data;
}

/**
 * A change; a body that is not JSON already (a Blob, a FormData) goes as it is.
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @param {{headers?: Record<string, string>, signal?: AbortSignal}} [options]
 * @returns {Promise<any>} null where the answer has no content
 */
export function send(method, path, body, options) {
  return during(sent(method, path, body, options));
}

/**
 * @param {string} method
 * @param {string} path
 * @param {any} body
 * @param {{headers?: Record<string, string>, signal?: AbortSignal}} [options]
 */
async function sent(method, path, body, { headers = {}, signal } = {}) {
  const raw = body === undefined || body instanceof Blob || body instanceof FormData;
  /** @type {Record<string, string>} */
  const json = raw ? {} : { 'Content-Type': 'application/json' };
  return content(await ask(path, { method, signal, headers: { ...json, ...headers }, body: raw ? body : JSON.stringify(body) }));
}

/**
 * @param {string} path
 * @param {RequestInit} options
 */
async function ask(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem({ status: 0, title: 'No answer', detail: 'the service does not answer' });
  }
}

/** @param {Response} answer */
async function content(answer) {
  if (answer.status === 204) return null;
  const data = await answer.json().catch(() => null);
  if (answer.ok && data !== null) return data;
  if (answer.ok) throw new Problem({ status: 0, title: 'No answer', detail: 'the answer was cut off' });
  if (answer.status === 401) signedOut();
  throw new Problem({ title: answer.statusText, ...data, status: answer.status });
}

/**
 * @param {string} path
 * @param {{etag: string, data: any}} answer
 */
function remember(path, answer) {
  known.delete(path);
  known.set(path, answer);
  if (known.size > REMEMBERED) known.delete(known.keys().next().value ?? '');
}
