import art from './index.cjs';

export const { getLoadablePath, load } = art;
export default art;
