//! A device in Rust on FastIova: it writes through the IOMMU, gathers bytes by batches, and sees a fault when its buffer is
//! taken away by another thread.

mod fastiova;

use fastiova::{Domain, Engine, Port, READ, WRITE};

const PAGE: u64 = 4096;
const PAGES: u64 = 64;
const IOVA: u64 = 0x1_0000_0000;

#[repr(C, align(4096))]
struct Memory([u8; (PAGES * PAGE) as usize]);

fn main() {
    let mut memory = Box::new(Memory([0; (PAGES * PAGE) as usize]));
    let engine = Engine::open().expect("an engine");
    let domain = Domain::open(&engine).expect("a domain");
    // SAFETY: the memory outlives the domain, and is looked at through the port only.
    unsafe { domain.map(IOVA, memory.0.as_mut_ptr(), PAGES * PAGE, READ | WRITE) }.expect("a mapping");
    let mut port = Port::open(&engine).expect("a port");
    port.attach(&domain).expect("an attachment");

    let text = b"written by a device in Rust, across a page";
    port.write(IOVA + PAGE - 8, text).expect("a write");

    let iovas: Vec<u64> = (0..text.len() as u64).map(|at| IOVA + PAGE - 8 + at).collect();
    let gathered: Vec<u8> = {
        let mut scope = port.enter().expect("a scope");
        let mut bytes = Vec::new();
        scope.translate(&iovas, READ, &mut bytes).expect("a batch");
        bytes.iter().map(|byte| byte.get()).collect()
    };
    assert_eq!(gathered, text);
    println!("gathered: {}", String::from_utf8_lossy(&gathered));

    let refused = domain.unmap(IOVA + 1, PAGE).expect_err("a misaligned unmap is refused");
    println!("refused: errno {}, {}", refused.errno, refused.text);

    // The unmap of another thread returns when no scope can use the memory, and not before.
    let bytes = std::thread::scope(|threads| threads.spawn(|| domain.unmap(IOVA, PAGES * PAGE).expect("an unmap")).join()).expect("a thread");
    assert_eq!(bytes, PAGES * PAGE);
    let fault = port.write(IOVA, text).expect_err("a fault");
    println!("fault: reason {} at iova {:#x}", fault.reason, fault.iova);
    assert_eq!((fault.reason, fault.iova), (1, IOVA));
}
