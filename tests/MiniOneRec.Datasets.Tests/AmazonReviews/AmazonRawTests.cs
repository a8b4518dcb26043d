namespace MiniOneRec.Datasets.Tests;

public sealed class AmazonRawTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LoadAndSplit_RawFiles_GiveWhatTheReferenceSystemWrote(bool packed)
    {
        var options = new AmazonReviewsOptions { Start = new(1996, 10, 1), End = new(2018, 10, 1), MinItems = 3000 };

        var data = await AmazonReviewsDataset.LoadAsync(AmazonRawGolden.Raw("Toolbox_5.json", packed),
            AmazonRawGolden.Raw("meta_Toolbox.json", packed), options);

        AmazonRawGolden.AssertEqual(data.Sequences, new GlobalTimeSplit().Split(data));
    }
}
