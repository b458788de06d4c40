export { main, runCommand } from './main.js';
