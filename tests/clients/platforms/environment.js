// A program made by emscripten gets the environment of its node.
Module.preRun = [() => Object.assign(ENV, process.env)];
