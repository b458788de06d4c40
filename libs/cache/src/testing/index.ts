export { type Gate, openGate } from './gate.js';
