import { defineCommand } from '../command.js';
export const batch = defineCommand({ summary: 'x', options: {}, measure: async () => ({}), show: () => [] });
