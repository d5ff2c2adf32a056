//! What this program uses of fastiova.h, made safe: objects close themselves, and an address cannot leave its scope.

use std::ffi::{c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr::{null, null_mut};

pub const READ: u32 = 1;
pub const WRITE: u32 = 2;
const NO_PASID: u32 = u32::MAX;

/// struct fi_fault.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub struct Fault {
    pub iova: u64,
    pub device: u32,
    pub pasid: u32,
    pub reason: u8,
    pub wanted: u8,
    reserved0: u16,
    reserved1: u32,
}

extern "C" {
    fn fi_error_text(buffer: *mut c_char, size: usize) -> c_int;
    fn fi_engine_open(options: *const c_void, engine: *mut *mut c_void) -> c_int;
    fn fi_engine_close(engine: *mut c_void) -> c_int;
    fn fi_domain_open(engine: *mut c_void, options: *const c_void, domain: *mut *mut c_void) -> c_int;
    fn fi_domain_close(domain: *mut c_void) -> c_int;
    fn fi_domain_map(domain: *mut c_void, iova: u64, host: *mut c_void, length: u64, access: u32) -> c_int;
    fn fi_domain_unmap(domain: *mut c_void, iova: u64, length: u64, unmapped: *mut u64) -> c_int;
    fn fi_port_open(engine: *mut c_void, options: *const c_void, port: *mut *mut c_void) -> c_int;
    fn fi_port_close(port: *mut c_void) -> c_int;
    fn fi_port_attach(port: *mut c_void, domain: *mut c_void, pasid: u32) -> c_int;
    fn fi_scope_enter(port: *mut c_void) -> c_int;
    fn fi_scope_leave(port: *mut c_void) -> c_int;
    fn fi_port_translate_batch(port: *mut c_void, iovas: *const u64, hosts: *mut *mut u8, count: usize, access: u32, fault: *mut Fault) -> c_int;
    fn fi_port_write(port: *mut c_void, iova: u64, data: *const c_void, count: usize, pasid: u32, fault: *mut Fault) -> c_int;
}

/// A refusal: an errno, and what it is about.
#[derive(Debug)]
pub struct Refused {
    pub errno: i32,
    pub text: String,
}

fn done(result: c_int) -> Result<(), Refused> {
    if result >= 0 {
        return Ok(());
    }
    let mut text = vec![0u8; 512];
    // SAFETY: the buffer has as many bytes as it says.
    let length = unsafe { fi_error_text(text.as_mut_ptr().cast(), text.len()) };
    text.truncate((length.max(0) as usize).min(511));
    Err(Refused { errno: -result, text: String::from_utf8_lossy(&text).into_owned() })
}

/// An IOMMU.
pub struct Engine(*mut c_void);

impl Engine {
    pub fn open() -> Result<Self, Refused> {
        let mut engine = null_mut();
        // SAFETY: the place lives through the call; no options are the defaults.
        done(unsafe { fi_engine_open(null(), &mut engine) })?;
        Ok(Engine(engine))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: a handle; a closed one would only be refused.
        unsafe { fi_engine_close(self.0) };
    }
}

/// An address space of devices. Any thread may use it.
pub struct Domain<'m> {
    handle: *mut c_void,
    memory: PhantomData<&'m mut [u8]>,
}

// SAFETY: the header says "any thread" of every call on domains.
unsafe impl Sync for Domain<'_> {}
unsafe impl Send for Domain<'_> {}

impl<'m> Domain<'m> {
    pub fn open(engine: &Engine) -> Result<Self, Refused> {
        let mut handle = null_mut();
        // SAFETY: as above.
        done(unsafe { fi_domain_open(engine.0, null(), &mut handle) })?;
        Ok(Domain { handle, memory: PhantomData })
    }

    /// Maps memory, which is the devices' until the domain goes.
    ///
    /// # Safety
    /// The memory stays mapped for as long as the domain, and what reads it reckons with the devices' writes.
    pub unsafe fn map(&self, iova: u64, host: *mut u8, length: u64, access: u32) -> Result<(), Refused> {
        done(fi_domain_map(self.handle, iova, host.cast(), length, access))
    }

    /// Takes a range away, and waits for every scope that may use it.
    pub fn unmap(&self, iova: u64, length: u64) -> Result<u64, Refused> {
        let mut bytes = 0;
        // SAFETY: as above.
        done(unsafe { fi_domain_unmap(self.handle, iova, length, &mut bytes) })?;
        Ok(bytes)
    }
}

impl Drop for Domain<'_> {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { fi_domain_close(self.handle) };
    }
}

/// The way of one device to memory: one thread at a time, which `&mut` sees to.
pub struct Port(*mut c_void);

// SAFETY: a port may move to another thread between calls.
unsafe impl Send for Port {}

impl Port {
    pub fn open(engine: &Engine) -> Result<Self, Refused> {
        let mut port = null_mut();
        // SAFETY: as above.
        done(unsafe { fi_port_open(engine.0, null(), &mut port) })?;
        Ok(Port(port))
    }

    pub fn attach(&mut self, domain: &Domain) -> Result<(), Refused> {
        // SAFETY: as above.
        done(unsafe { fi_port_attach(self.0, domain.handle, NO_PASID) })
    }

    pub fn write(&mut self, iova: u64, data: &[u8]) -> Result<(), Fault> {
        let mut fault = Fault::default();
        // SAFETY: the slice has as many bytes as it says.
        match unsafe { fi_port_write(self.0, iova, data.as_ptr().cast(), data.len(), NO_PASID, &mut fault) } {
            0 => Ok(()),
            _ => Err(fault),
        }
    }

    /// Enters a scope: what is translated in it is valid as long as it.
    pub fn enter(&mut self) -> Result<Scope<'_>, Refused> {
        // SAFETY: as above.
        done(unsafe { fi_scope_enter(self.0) })?;
        Ok(Scope(self, PhantomData))
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { fi_port_close(self.0) };
    }
}

/// A scope. Keep it short: an unmap waits for it. It stays on its thread, as the library asks: a pointer is not Send.
pub struct Scope<'p>(&'p mut Port, PhantomData<*const ()>);

impl Scope<'_> {
    /// Translates a batch; the bytes behind the answers are lent for the scope.
    pub fn translate<'s>(&'s mut self, iovas: &[u64], access: u32, bytes: &mut Vec<&'s std::cell::Cell<u8>>) -> Result<(), Fault> {
        let mut hosts = vec![null_mut(); iovas.len()];
        let mut fault = Fault::default();
        // SAFETY: there is a place for each answer.
        if unsafe { fi_port_translate_batch(self.0 .0, iovas.as_ptr(), hosts.as_mut_ptr(), iovas.len(), access, &mut fault) } != 0 {
            return Err(fault);
        }
        // SAFETY: each address is mapped and may be read until the scope ends; Cell, since devices share the memory.
        bytes.extend(hosts.into_iter().map(|host| unsafe { &*host.cast::<std::cell::Cell<u8>>() }));
        Ok(())
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        // SAFETY: entered once, left once, on the same thread: a scope holds its port and does not leave its thread.
        unsafe { fi_scope_leave(self.0 .0) };
    }
}
