using Xunit;

namespace FastIova.Tests;

public sealed class ModelCatalogTests
{
    [Theory]
    [InlineData("edu", 0x11E8)]
    [InlineData("edu,dma_mask=0xffffffff", 0x11E8)]
    [InlineData("nvme,memory=1M", 0x0010)]
    [InlineData("nvme,memory=8192,block=4096,queues=3,serial=ABC", 0x0010)]
    [InlineData("testdev", 0x0005)]
    [InlineData("igb", 0x10C9)]
    public void ATextNamesADevice(string text, int device)
    {
        using IPciDeviceModel model = ModelCatalog.Create(text);
        model.Layout.Check();
        Assert.Equal(device, model.Layout.DeviceId);
    }

    [Theory]
    [InlineData("", "There is no device ''")]
    [InlineData("floppy", "use edu, nvme, testdev")]
    [InlineData("edu,mask=1", "has no option mask: use dma_mask")]
    [InlineData("testdev,x=1", "has no option x: it has none")]
    [InlineData("edu,dma_mask", "'dma_mask' in the device")]
    [InlineData("edu,=1", "'=1' in the device")]
    [InlineData("edu,dma_mask=1,dma_mask=2", "stands twice")]
    [InlineData("edu,dma_mask=0xzz", "'0xzz' is no number for dma_mask")]
    [InlineData("edu,dma_mask=-1", "'-1' is no number")]
    [InlineData("nvme", "either image=PATH or memory=SIZE")]
    [InlineData("nvme,image=a,memory=1M", "either image=PATH or memory=SIZE")]
    [InlineData("nvme,memory=", "'' is no size")]
    [InlineData("nvme,memory=M", "'M' is no size")]
    [InlineData("nvme,memory=0", "'0' is no size")]
    [InlineData("nvme,memory=65T", "'65T' is no size")]
    [InlineData("nvme,memory=1000", "multiple of 512")]
    [InlineData("nvme,memory=1M,block=1024", "Blocks of 1024 bytes")]
    [InlineData("nvme,memory=1M,queues=65", "65 pairs of I/O queues")]
    [InlineData("nvme,memory=1M,serial=", "serial number ''")]
    [InlineData("nvme,memory=1M,serial=123456789012345678901", "1 to 20")]
    public void AWrongTextSaysWhatIsWrong(string text, string words) =>
        Assert.Contains(words, Assert.Throws<ArgumentException>(() => ModelCatalog.Create(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void AnImageThatIsMissingOrTooShortOrTakenIsRefused()
    {
        string path = Path.GetTempFileName();
        try
        {
            Assert.Throws<ArgumentException>(() => ModelCatalog.Create($"nvme,image={path}"));
            File.WriteAllBytes(path, new byte[10_000]);
            using IPciDeviceModel first = ModelCatalog.Create($"nvme,image={path}");
            Assert.ThrowsAny<IOException>(() => ModelCatalog.Create($"nvme,image={path}"));
            Assert.ThrowsAny<IOException>(() => ModelCatalog.Create($"nvme,image={path}.not"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void OptionsOfOthersCanBeTakenOutFirst()
    {
        (string name, Dictionary<string, string> options) = ModelCatalog.Split("edu,bdf=01:00.0,dma_mask=255");
        Assert.True(options.Remove("bdf"));
        using IPciDeviceModel model = ModelCatalog.Create(name, options);
        Assert.IsType<EduModel>(model);
    }

    [Fact]
    public void EveryFormCanBeShown() => Assert.All(ModelCatalog.Forms, form => Assert.NotEmpty(form.Meaning));
}
