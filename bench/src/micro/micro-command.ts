import { defineCommand } from '../command.js';
export const micro = defineCommand({ summary: 'x', options: {}, measure: async () => ({}), show: () => [] });
