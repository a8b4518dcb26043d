using MiniOneRec.Datasets;

namespace MiniOneRec.Experiments.Tests;

public sealed class ColdStudyTests
{
    [Fact]
    public void Without_TakesATenthOfTheItemsOutOfTrainingAlone()
    {
        var data = new LeaveOneOutSplit(50).Split(DemoCatalogue.Create(new DemoCatalogueOptions { Users = 200 }));

        var cold = ColdStudy.Without(data, 0.1, seed: 3);

        string[] before = [.. data.TrainSequences.SelectMany(sequence => sequence.ItemIds).Distinct()];
        string[] after = [.. cold.TrainSequences.SelectMany(sequence => sequence.ItemIds).Distinct()];
        var gone = before.Except(after).ToHashSet();
        Assert.InRange(gone.Count, 1, (int)Math.Round(data.Items.Count * 0.1));
        Assert.DoesNotContain(cold.Train, row => gone.Contains(row.Target) || row.History.Any(gone.Contains));
        Assert.Equal(data.Test, cold.Test);
        Assert.Equal(data.Validation, cold.Validation);
        Assert.Equal(data.Items, cold.Items);
        Assert.Equal(after, ColdStudy.Without(data, 0.1, seed: 3).TrainSequences.SelectMany(sequence => sequence.ItemIds).Distinct());
    }
}
