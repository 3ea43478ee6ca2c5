mod hostile;
mod javascript;
mod packages;
mod python;
mod tree;
mod tsconfig;
